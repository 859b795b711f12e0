"""The workshop's measurements, `python -m benchmarks`: not in the wheel, run to write documents and to choose.

The user's command `edge-dce benchmark` is the package `edge_dce.benchmark`; its reports are what most of this reads.

suite, results             a matrix of its reports, one folder per run or machine (reference/ holds the committed ones)
frame, photo, memory, video, clip, flicker, ghosts, pixel_path, peers, shapes, training_speed
                           measurements that it does not have
denoising, noisy_views     what filters of noise are worth, on pictures whose clean version is known
choice, frame_table, denoising_table, charts, figure, gallery, page    what people see of them, beside the documents
"""
