"""Train Zero-DCE on any engine of Keras 3. What leaves is a `.keras` file of plain layers; nothing here knows TFLite.

What is learned: recipe, network, losses, perceptual, model. From which pictures: dataset, panoramas, cache, feedback.
How a run goes on, alone or with others: run, history, plots, distribution, worker.
How good a network is: scoring, evaluation, evaluation_page, run_table, wraparound.
What comes out: export, trained_network. The commands: cli.
"""
