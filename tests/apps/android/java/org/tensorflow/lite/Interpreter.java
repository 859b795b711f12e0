package org.tensorflow.lite;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Stand-in for TFLite's: a "network" of one uint8 image whose map is, for every sample, the sample itself with a scale of
 * -1/256. It takes buffers exactly as the real one does, and refuses models that are not flat buffers of TFLite.
 */
public class Interpreter implements AutoCloseable {
    public static class Options extends InterpreterApi.Options {}

    public static int height = 4, width = 6, threads;
    public static DataType outputType = DataType.UINT8;
    public static boolean isFailing;

    private boolean isReady;

    public Interpreter(ByteBuffer model, Options options) {
        if (!model.isDirect() || model.order() != ByteOrder.nativeOrder()) {
            throw new IllegalArgumentException("Model ByteBuffer should be a direct ByteBuffer in native order");
        }
        byte[] head = new byte[8];
        model.get(head);
        if (head[4] != 'T' || head[5] != 'F' || head[6] != 'L' || head[7] != '3') {
            throw new IllegalArgumentException("Contents of the model are not a valid TensorFlow Lite flatbuffer");
        }
        threads = options.threads;
    }

    public void allocateTensors() {
        isReady = true;
    }

    public Tensor getInputTensor(int index) {
        return new Tensor(new int[] {1, height, width, 3}, DataType.UINT8, 1 / 255f, 0);
    }

    public Tensor getOutputTensor(int index) {
        return new Tensor(new int[] {1, height, width, 3}, outputType, 1 / 256f, 255);
    }

    public void run(Object input, Object output) {
        ByteBuffer in = (ByteBuffer) input, out = (ByteBuffer) output;
        if (isFailing) {
            throw new IllegalStateException("Internal error: Failed to run on the given Interpreter");
        }
        if (!isReady || in.remaining() != height * width * 3 || out.remaining() != in.remaining()) {
            throw new IllegalArgumentException("Cannot copy to a TensorFlowLite tensor");
        }
        while (in.hasRemaining()) {
            out.put((byte) (255 - (in.get() & 0xff)));
        }
    }

    @Override
    public void close() {}
}
