# CSK-Net as the paper has it: exchange both ways, and the contrast from the start, without a norm.
_base_ = ['fmb14_rgb-ir.py']
model = _base_.paper
default_hooks = dict(contrast_weight=None, contrast_share=None)
