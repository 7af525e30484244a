"""What an experiment can choose by name: tasks, trainers, samplers, measures. One file per choice.

`shelf` says what each kind must offer and finds a choice by its module's name. A module here is light to import;
torch, transformers and their like come in only inside the calls that need them. `nano/` is the world of the default
task, `equations` and `embedding` serve several choices.
"""
