"""Comparison of an exported student with the original, where mmfkd cannot be imported.

Run by path, so that no package of this file is imported: ``python verification.py DIR``. Exits
with 1 if a parameter is missing or logits differ by more than TOLERANCE. The program never sees
mmfkd; the config does only where it has parts of it.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

TOLERANCE = 1e-5  # of float32 logits
ONNX_TOLERANCE = 1e-4


def compare(name: str, run: Callable, cases: Sequence[dict], tolerance: float = TOLERANCE
            ) -> list[str]:
    """Prints the largest difference from the student's logits, and returns what is wrong."""
    import torch

    differences = []
    for case in cases:
        logits = case['logits']
        with torch.no_grad():
            # The logits of a clip are the mean of those of its frames.
            mean = run(case['input']).unflatten(0, (len(logits), -1)).mean(1)
        if mean.shape != logits.shape:
            return [f'{name} gives logits of the shape {tuple(mean.shape)}, and the student '
                    f'{tuple(logits.shape)}']
        differences.append((mean - logits).abs().max())
    difference = torch.stack(differences).max().item()  # NaN if one is
    shapes = ', '.join('x'.join(map(str, case['input'].shape)) for case in cases)
    print(f'{name}: largest difference {difference:.1e} ({shapes})')
    if difference <= tolerance:
        return []
    return [f'{name} differs from the student by {difference:.1e}, more than {tolerance:.0e}']


def verify_program(folder: Path, reference: dict) -> list[str]:
    """What is wrong with ``program.pt2``, if there is one."""
    import torch

    path = folder / 'program.pt2'
    if not path.is_file():
        return (['there is no program.pt2, and config.py opens with mmfkd alone']
                if needs_mmfkd(folder) else [])
    program = torch.export.load(path).module()
    return compare(path.name, program, cases_of(reference, path.name))


def cases_of(reference: dict, name: str) -> Sequence[dict]:
    """The inputs that a file takes: of all sizes, or of the first, as the export has said."""
    cases = reference['cases']
    first = cases[0]['input'].shape[1:]
    if reference['sizes'][name] == 'any':
        return cases
    return [case for case in cases if case['input'].shape[1:] == first]


def verify_onnx(folder: Path, reference: dict) -> list[str]:
    """What is wrong with ``model.onnx``, if there is one."""
    import torch

    path = folder / 'model.onnx'
    if not path.is_file():
        return []
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])

    def run(raw: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(session.run(None, dict(raw=raw.numpy()))[0])

    return compare(path.name, run, cases_of(reference, path.name), ONNX_TOLERANCE)


def verify_safetensors(folder: Path) -> list[str]:
    """What is wrong with ``weights.safetensors``: it holds the same bits as ``weights.pth``."""
    import torch
    from safetensors.torch import load_file

    same = load_file(folder / 'weights.safetensors')
    weights = torch.load(folder / 'weights.pth', weights_only=True)['state_dict']
    if set(same) == set(weights) and all(torch.equal(same[key], weights[key]) for key in weights):
        return []
    return ['weights.safetensors has other weights than weights.pth']


def verify_model(folder: Path, reference: dict) -> list[str]:
    """What is wrong with the model of ``config.py`` and ``weights.pth``."""
    import torch
    from mmengine.structures import BaseDataElement

    weights = torch.load(folder / 'weights.pth', weights_only=True)['state_dict']
    model = open_model(folder)
    problems = []
    if set(weights) != set(model.state_dict()):
        problems.append('weights.pth has other keys than the model of config.py')
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f'parameters: {parameters:,} of {reference["parameters"]:,}')
    if parameters != reference['parameters']:
        problems.append('the number of parameters differs from that of the student')

    def run_plain(raw: torch.Tensor) -> torch.Tensor:
        if raw.dtype == torch.int64:  # tokens
            return model(raw, mode='tensor')
        data = dict(inputs=list(raw), data_samples=[BaseDataElement() for _ in raw])
        return model(model.data_preprocessor(data)['inputs'], mode='tensor')

    return problems + compare('config.py + weights.pth', run_plain, reference['cases'])


def needs_mmfkd(folder: str | Path) -> bool:
    """Whether an exported config imports mmfkd."""
    return 'mmfkd.' in Path(folder, 'config.py').read_text()


def open_model(folder: Path):
    """The exported model, as a user opens it."""
    from mmengine.config import Config

    config, weights = str(folder / 'config.py'), str(folder / 'weights.pth')
    if Config.fromfile(config).default_scope == 'mmseg':
        from mmseg.apis import init_model

        return init_model(config, weights, device='cpu')
    from mmpretrain import get_model

    return get_model(config, pretrained=weights, device='cpu')


def main() -> None:
    """Runs the command."""
    import torch

    folder = Path(sys.argv[1])
    reference = torch.load(folder / 'reference.pt', weights_only=True)
    # None makes every import of it fail, also where it is installed.
    sys.modules['mmfkd'] = None  # type: ignore[assignment]
    problems = [*verify_program(folder, reference), *verify_onnx(folder, reference),
                *verify_safetensors(folder)]
    if needs_mmfkd(folder):
        del sys.modules['mmfkd']
    problems += verify_model(folder, reference)
    if problems:
        sys.exit('\n'.join(problems))


if __name__ == '__main__':
    main()
