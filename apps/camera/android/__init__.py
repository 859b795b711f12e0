"""What only an Android phone has.

phone               cameras, permissions, battery temperature
java_interpreter    the TFLite runtime of Java behind edge_dce's protocol
package             what goes into the APK, with buildozer.spec
"""
