"""What only an Android phone has: its cameras, permissions and battery, the TFLite runtime of Java, and the packing."""
