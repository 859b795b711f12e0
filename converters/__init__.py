"""From a Keras network to verified `.tflite` files: `python -m converters MODEL.keras`. In the order of the work:

formats                                 every precision and contract, each once: a new one is one entry
source, file_network, layers            the network, at the size and with the output that its file shall have
calibration, duplicates, activation, ranges     pictures chosen and audited; what int8 makes of them
conversion, flat_tanh, inspection       to bytes, and what is in them
search, gate, verification, converted, operators, proof     what is tried, and what passes
onnx_files, peer_runtimes, translation   the same networks for other runtimes
publication, draft, report              an order from start to end
"""
