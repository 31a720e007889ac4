"""What a model's similarities are worth: probabilities and verdicts, fitted and measured."""
