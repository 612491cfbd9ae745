# The former name of streets_rgb-ir.py.
_deprecation_ = dict(expected='csknet/streets_rgb-ir.py')
_base_ = ['streets_rgb-ir.py']
