package org.tensorflow.lite;

public enum DataType {
    FLOAT32,
    UINT8,
    INT8,
    BOOL
}
