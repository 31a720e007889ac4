"""Pretrained vision-language backbones under the same explained attention.

Nothing in the program imports this room unless a model of that kind is asked for; it needs the
extra `backbones` (torch and transformers). A backbone is one file that fulfils
`regard.backbones.protocol.Backbone`, and one line in `regard.backbones.loading.FAMILIES`.
"""
