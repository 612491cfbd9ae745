# The teacher of MMANet: its network on complete inputs.
_base_ = ['mars_aux-rgb.py']
default_hooks = dict(mad_weight=None, mar_weight=None)
model = dict(
    teachers=dict(_delete_=True),
    students=dict(student=dict(
        subsets=(), taps=dict(_base_.full_taps, _delete_=True),
        model=dict(mask=False, auxiliary=False))),
    losses=dict(_delete_=True))
