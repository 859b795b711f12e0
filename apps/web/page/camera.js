// A camera of this device as a video element that plays.

const REASONS = {
  NotAllowedError: "This page may not use the camera. Allow it in the browser's site settings, then try again.",
  NotFoundError: "No camera was found. Connect one and try again, or choose a photo.",
  NotReadableError: "The camera does not start. Close other programs that use it, then try again.",
};

export const NEEDS_HTTPS = "Cameras work on pages from HTTPS or localhost only. Open this page there, or choose a photo.";

export class CameraError extends Error {}

export class Camera {
  constructor(video) {
    this.video = video;
    this.stream = null;
  }

  get isOpen() {
    return Boolean(this.stream);
  }

  // `choice` are constraints of a video track. `tellEnd` is called if the camera goes away by itself.
  async open(tellEnd, choice = { facingMode: "environment" }) {
    if (!navigator.mediaDevices) throw new CameraError(NEEDS_HTTPS);
    this.close();
    try {
      const video = { width: { ideal: 1280 }, height: { ideal: 720 }, ...choice };
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: false, video });
    } catch (error) {
      throw new CameraError(REASONS[error.name] ?? `The camera does not start (${error.message}). Choose a photo.`);
    }
    const [track] = this.stream.getVideoTracks();
    track.addEventListener("ended", tellEnd);
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  // What `open` takes for the camera after this one; null where there is no other.
  async findNext() {
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    if (cameras.length < 2) return null;
    const { facingMode, deviceId } = this.stream.getVideoTracks()[0].getSettings();
    // A phone has several on its back, and the user means the front.
    if (facingMode) return { facingMode: facingMode === "user" ? "environment" : "user" };
    const at = cameras.findIndex((camera) => camera.deviceId === deviceId);
    return { deviceId: { exact: cameras[(at + 1) % cameras.length].deviceId } };
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = this.video.srcObject = null;
  }

  // Calls `show` for each frame, until the camera is closed or another one opened.
  follow(show) {
    const { stream, video } = this;
    const wait = (call) => (video.requestVideoFrameCallback ? video.requestVideoFrameCallback(call) : requestAnimationFrame(call));
    const next = () => {
      if (this.stream !== stream) return;
      if (video.videoWidth) show(video);
      wait(next);
    };
    wait(next);
  }
}
