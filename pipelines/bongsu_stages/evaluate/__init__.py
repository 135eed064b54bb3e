"""Measuring models: perplexity, tasks, speed. Each stage takes many models and loads them one after another."""
