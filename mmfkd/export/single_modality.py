"""One modality of a multi-modal student as an ordinary network."""

from torch import Tensor

from mmfkd.models.networks import modality_weights

# Stream of each modality inside the network, in the order of ``modalities``; CEN has their names.
ROLES = {'mmfkd.CSKNet': ('optical', 'infrared'), 'mmfkd.CEN': None}


def single_branch(spec: dict, modality: str | None) -> tuple[dict, str]:
    """Branch of one modality of a multi-modal student, and the name of its stream.

    Args:
        spec: branch of the student.
        modality: which one.

    Returns:
        arguments of a branch around mmseg's ``EncoderDecoder``, and the stream's name.

    Raises:
        ValueError: no modality is named, or the student does not have it; or the network cannot
            be taken apart.
    """
    names, model = list(spec['modality']), spec['model']
    if model['type'] not in ROLES:
        raise ValueError(f'the student takes {names} together, and no part of {model["type"]} is '
                         f'an ordinary model of one, as of {" and ".join(ROLES)}: use its work '
                         f'dir, by mmfkd predict WORK_DIR --available {names[-1]} (of CDDFuse, by '
                         'mmfkd fuse)')
    if modality not in names:
        raise ValueError(f'the student takes {names}, and an ordinary model takes one: name it '
                         f'with --modality {names[-1]}')
    stream = dict(zip(names, ROLES[model['type']] or names, strict=True))[modality]
    plain = dict(_scope_='mmseg', type='EncoderDecoder', backbone=model['backbone'],
                 decode_head=model['decode_head'], train_cfg=dict(), test_cfg=dict(mode='whole'))
    return dict(model=plain, modality=modality, norm=(spec.get('norm') or {}).get(modality)), stream


def single_weights(weights: dict[str, Tensor], stream: str) -> dict[str, Tensor]:
    """Weights of :func:`single_branch` from those of the whole network."""
    moved = {'backbone.net.': 'backbone.', f'decode_heads.{stream}.': 'decode_head.',
             'decode_head.': 'decode_head.'}
    return {new + key.removeprefix(old): weight
            for key, weight in modality_weights(weights, stream).items()
            for old, new in moved.items() if key.startswith(old)}
