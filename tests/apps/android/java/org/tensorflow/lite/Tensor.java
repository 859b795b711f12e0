package org.tensorflow.lite;

public class Tensor {
    public static class QuantizationParams {
        private final float scale;
        private final int zeroPoint;

        QuantizationParams(float scale, int zeroPoint) {
            this.scale = scale;
            this.zeroPoint = zeroPoint;
        }

        public float getScale() {
            return scale;
        }

        public int getZeroPoint() {
            return zeroPoint;
        }
    }

    private final int[] shape;
    private final DataType type;
    private final QuantizationParams quantization;

    Tensor(int[] shape, DataType type, float scale, int zeroPoint) {
        this.shape = shape;
        this.type = type;
        this.quantization = new QuantizationParams(scale, zeroPoint);
    }

    public int[] shape() {
        return shape;
    }

    public DataType dataType() {
        return type;
    }

    public QuantizationParams quantizationParams() {
        return quantization;
    }
}
