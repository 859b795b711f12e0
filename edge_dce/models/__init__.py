"""Model files and the runtimes that run them: the only room that knows TFLite.

catalog       bundled models by name (the .tflite files lie here);  card: what a file says of itself
attachment    the archive behind a model, in which the card is
contracts     what a file may return;  origin: where the network that it was made of comes from
flatbuffer    whether a file from elsewhere is whole;  trial: whether it can be run
runtime       the only module that imports a TFLite runtime;  xnnpack: its fast kernels
model_page    what a card says as a page for model hubs
network       tensors in and out: all that feeds an interpreter or reads it
"""
