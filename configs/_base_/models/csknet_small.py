# CSK-Net for small images and 15 epochs: fewer pixels in the contrast, which begins with the second
# epoch; otherwise as csknet.py.
_base_ = ['csknet.py']
losses = dict(loss_contrast=dict(channels=128, max_anchors=256, max_samples=1024))
schedule = dict(contrast_weight=dict(begin=1, end=1), contrast_share=dict(begin=1, end=5))
