"""Opens an exported student where mmfkd cannot be imported, and compares it with the original.

Run by path, so that no package of this file is imported: ``python verify_export.py DIR``. Exits
with 1 if a parameter is missing or logits differ by more than TOLERANCE.
"""

import sys
from pathlib import Path

TOLERANCE = 1e-5  # of float32 logits


def verify(folder: Path) -> list[str]:
    """Prints what was compared and returns what is wrong."""
    import torch

    reference = torch.load(folder / 'reference.pt', weights_only=True)
    raw, logits = reference['input'], reference['logits']
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
        tokens = raw.dtype == torch.int64
        return model(raw if tokens else
                     model.data_preprocessor(dict(inputs=list(raw)))['inputs'], mode='tensor')

    opened = {'config.py + weights.pth': run_plain}
    if (folder / 'program.pt2').is_file():
        opened['program.pt2'] = torch.export.load(folder / 'program.pt2').module()
    for name, run in opened.items():
        with torch.no_grad():
            # The logits of a clip are the mean of those of its frames.
            mean = run(raw).unflatten(0, (len(logits), -1)).mean(1)
            difference = (mean - logits).abs().max().item()
        print(f'{name}: largest difference {difference:.1e}')
        if not difference <= TOLERANCE:
            problems.append(f'{name} differs from the student by {difference:.1e}, more than '
                            f'{TOLERANCE:.0e}')
    return problems


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
    folder = Path(sys.argv[1])
    if not needs_mmfkd(folder):
        # None makes every import of it fail, also where it is installed.
        sys.modules['mmfkd'] = None
    problems = verify(folder)
    if problems:
        sys.exit('\n'.join(problems))


if __name__ == '__main__':
    main()
