"""Cameras of the network as sources of the script, and streams out of it to other programs."""

from pathlib import Path

from tests.apps.pi.running_camera import RunningCamera, run_camera
from tests.edge_dce.camera.servers import serve_http


def test_lost_camera_of_the_network_is_told_without_its_password_and_comes_back(tmp_path: Path) -> None:
    with serve_http(tmp_path) as web:
        port = web.server_port
        address = f"http://eve:secret@127.0.0.1:{port}/live.mjpg?token=secret"
        with run_camera("--source", address, "--size", "64x48") as camera:
            assert camera.get("healthz")[:2] == (200, b"ok\n")
            assert camera.stats()["camera"]["source"] == web.url
            web.is_cut = True
            web.server_close()
            web.shutdown()
            camera.wait_for(lambda: camera.get("healthz")[0] == 503)
            camera.wait_for(lambda: "Connection refused" in read_health(camera))
            line = read_health(camera)
            assert line.startswith(f"{web.url}: cannot be opened (Connection refused)")
            assert "trying again in" in line
            assert line.count("\n") == 1
            assert camera.stats()["camera"]["status"] == line.strip()
            with serve_http(tmp_path, port):
                camera.wait_for(lambda: camera.get("healthz")[0] == 200)
                assert camera.stats()["camera"]["reconnections"] >= 1
                assert camera.get("snapshot.jpg")[0] == 200
            assert "secret" not in camera.read_log()


def read_health(camera: RunningCamera) -> str:
    return camera.get("healthz")[1].decode()
