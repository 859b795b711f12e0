"""Train Zero-DCE and tone networks on any engine of Keras 3.

What leaves is a `.keras` file of plain layers; nothing here knows TFLite.

What is learned: recipe, settings, network, losses, perceptual; task and model bring one of the two kinds together:
curves (zero_dce), or the tone of the whole picture (tone, denoising, tone_model).
From which pictures: dataset, tone_dataset, panoramas, made_scenes, cache, feedback.
How a run goes on, alone or with others: run, fitting, recorder, tracking, history, plots, distribution, worker.
How good a network is: metrics, scoring, evaluation, evaluation_page, drawings, run_table, verdict, wraparound.
What comes out: export, trained_network. The commands: cli, evaluation_command, options.
"""
