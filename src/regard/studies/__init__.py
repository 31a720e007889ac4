"""Studies of models: the ablation, rehearsals of recipes, galleries of right and wrong answers."""
