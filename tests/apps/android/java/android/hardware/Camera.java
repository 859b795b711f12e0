package android.hardware;

import android.graphics.SurfaceTexture;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Stand-in for a phone's cameras, one on each side: frames of one luma that counts up, with the left half brighter. */
public class Camera {
    public static class CameraInfo {
        public static final int CAMERA_FACING_BACK = 0, CAMERA_FACING_FRONT = 1;
        public int facing, orientation;
    }

    public class Size {
        public int width, height;

        public Size(int width, int height) {
            this.width = width;
            this.height = height;
        }
    }

    public interface PreviewCallback {
        void onPreviewFrame(byte[] data, Camera camera);
    }

    public class Parameters {
        private int width, height;

        public List<Size> getSupportedPreviewSizes() {
            return new ArrayList<>(Arrays.asList(new Size(640, 480), new Size(64, 32), new Size(1920, 1080)));
        }

        public void setPreviewSize(int width, int height) {
            this.width = width;
            this.height = height;
        }

        public List<String> getSupportedFocusModes() {
            return Arrays.asList("auto", "continuous-picture");
        }

        public void setFocusMode(String mode) {}

        public void setFlashMode(String mode) {
            if (isFront) {
                throw new RuntimeException("setParameters failed");
            }
            torch = mode;
        }
    }

    public static String torch = "off";
    public static boolean isTaken;
    public static int released;

    private final boolean isFront;
    private final ArrayDeque<byte[]> buffers = new ArrayDeque<>();
    private Parameters parameters = new Parameters();
    private PreviewCallback callback;
    private boolean hasSurface;
    private Thread thread;

    private Camera(boolean isFront) {
        this.isFront = isFront;
    }

    public static int getNumberOfCameras() {
        return 2;
    }

    /** As on some phones, the first is the one at the front. */
    public static void getCameraInfo(int number, CameraInfo info) {
        info.facing = number == 0 ? CameraInfo.CAMERA_FACING_FRONT : CameraInfo.CAMERA_FACING_BACK;
        info.orientation = number == 0 ? 270 : 90;
    }

    public static Camera open(int number) {
        if (isTaken) {
            throw new RuntimeException("Fail to connect to camera service");
        }
        return new Camera(number == 0);
    }

    public Parameters getParameters() {
        return parameters;
    }

    public void setParameters(Parameters parameters) {
        this.parameters = parameters;
    }

    public void setPreviewTexture(SurfaceTexture surface) {
        hasSurface = surface != null;
    }

    public synchronized void addCallbackBuffer(byte[] buffer) {
        buffers.add(buffer);
    }

    public void setPreviewCallbackWithBuffer(PreviewCallback callback) {
        this.callback = callback;
    }

    public void startPreview() {
        if (!hasSurface) {
            return;
        }
        thread = new Thread(this::deliver, "frames");
        thread.setDaemon(true);
        thread.start();
    }

    public void stopPreview() {
        Thread running = thread;
        thread = null;
        if (running != null) {
            running.interrupt();
        }
    }

    public void release() {
        released++;
    }

    private void deliver() {
        for (int count = 0; thread == Thread.currentThread(); count++) {
            byte[] buffer;
            synchronized (this) {
                buffer = buffers.poll();
            }
            PreviewCallback target = callback;
            if (buffer != null && target != null) {
                int luma = parameters.width * parameters.height;
                for (int place = 0; place < luma; place++) {
                    buffer[place] = (byte) (place % parameters.width < parameters.width / 2 ? 200 : 50);
                }
                Arrays.fill(buffer, luma, buffer.length, (byte) 128);
                target.onPreviewFrame(buffer, this);
            }
            try {
                Thread.sleep(5);
            } catch (InterruptedException stopped) {
                return;
            }
        }
    }
}
