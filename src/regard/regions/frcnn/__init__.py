"""The Visual Genome Faster R-CNN (bottom-up attention) as an extractor; needs torch.

A ResNet-101 up to its fourth stage looks at the photo, a region proposal network says where things
may be, and the fifth stage looks at each of these regions. Names and shapes of its weights are
those of `unc-nlp/frcnn-vg-finetuned`; sizes are read from the weights.
"""
