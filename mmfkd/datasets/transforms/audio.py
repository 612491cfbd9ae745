"""Sound: from a file to a log power spectrogram."""

from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import soundfile
import torch
from mmcv.transforms import BaseTransform
from scipy.signal.windows import tukey
from torch import nn

from mmfkd.registry import TRANSFORMS

# Sizes that a program writes into a header when it does not know the length yet.
UNKNOWN_SIZES = (0, 0xFFFFFFFF)


def audio_transforms() -> ModuleType:
    """``torchaudio.transforms``, which nothing but sound needs.

    Raises:
        ImportError: torchaudio is missing or does not fit torch; the message has the cure.
    """
    try:
        from torchaudio import transforms
    except (ImportError, OSError) as error:
        raise ImportError("spectrograms and resampling need torchaudio and the torch that it fits: "
                          f"pip install 'mmfkd[audio]' ({error})") from error
    return transforms


def read_wave(path: str | Path, start: float = 0.0, end: float | None = None
              ) -> tuple[np.ndarray, int]:
    """Reads a sound file as mono.

    Args:
        path: a file of any rate, width and number of channels that soundfile reads.
        start: in seconds.
        end: in seconds; None reads to the end.

    Returns:
        float32 (S,) in [-1, 1], the mean of the channels; and its rate in Hz.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a file that cannot be decoded, is cut short, holds no sound in the range, or
            holds NaN or infinity; it is named.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f'{path} does not exist') from error
    said = int.from_bytes(content[4:8], 'little')
    if content[:4] == b'RIFF' and said not in UNKNOWN_SIZES and said > len(content) - 8:
        raise ValueError(f'{path} is truncated: {len(content)} of {said + 8} bytes. Copy it '
                         'again, or take it out of the list.')
    try:
        wave, rate = soundfile.read(BytesIO(content), dtype='float32', always_2d=True)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f'{path} cannot be decoded ({error}): it is truncated or no sound file. '
                         'Copy it again, or take it out of the list.') from error
    wave = wave[round(start * rate):None if end is None else round(end * rate)].mean(1)
    if len(wave) == 0:
        raise ValueError(f'{path} holds no sound{f" from {start} to {end} s" if end else ""}: '
                         'make it again from its video, or take it out of the list')
    if not np.isfinite(wave).all():
        raise ValueError(f'{path} holds NaN or infinite samples: make it again')
    return wave, rate


@TRANSFORMS.register_module()
class LoadAudio(BaseTransform):
    """Reads a sound file as a mono wave at one rate, clipped to [-1, 1].

    Required Keys:

    - modalities: ``{modality: dict(path, start, end)}``; the last two, in seconds, are optional

    Modified Keys:

    - modalities: ``{modality: float32 (S,)}``

    Args:
        modality: its name; without it in the sample nothing is done.
        rate: Hz to which files of another rate are resampled.

    Raises:
        FileNotFoundError, ValueError: see :func:`read_wave`.
        ImportError: a file has another rate and torchaudio is missing.
    """

    def __init__(self, modality: str = 'audio', rate: int = 16000) -> None:
        self.modality = modality
        self.rate = rate
        self._resamplers: dict[int, nn.Module] = {}

    def transform(self, results: dict) -> dict:
        """See the class."""
        spec = results['modalities'].get(self.modality)
        if spec is not None:
            wave, rate = read_wave(spec['path'], spec.get('start', 0.0), spec.get('end'))
            results['modalities'][self.modality] = self._resampled(wave, rate).clip(-1, 1)
        return results

    def _resampled(self, wave: np.ndarray, rate: int) -> np.ndarray:
        if rate == self.rate:
            return wave
        if rate not in self._resamplers:
            self._resamplers[rate] = audio_transforms().Resample(rate, self.rate)
        return self._resamplers[rate](torch.from_numpy(wave)).numpy()


@TRANSFORMS.register_module()
class AddNoise(BaseTransform):
    """Adds white noise to a wave at a signal-to-noise ratio; silence stays silent.

    Args:
        snr: in dB; 0 makes noise as loud as the sound.
        modality: its name; without it in the sample nothing is done.
        seed: None draws new noise at every call, for training; a number gives a sample the same
            noise every time, for evaluation.
    """

    def __init__(self, snr: float, modality: str = 'audio', seed: int | None = None) -> None:
        self.snr = snr
        self.modality = modality
        self.seed = seed

    def transform(self, results: dict) -> dict:
        """See the class; reads ``sample_idx`` if there is a seed."""
        wave = results['modalities'].get(self.modality)
        if wave is not None:
            seed = (np.random.randint(2 ** 32) if self.seed is None
                    else (self.seed, results['sample_idx']))
            noise = np.random.default_rng(seed).standard_normal(len(wave), dtype=np.float32)
            loudness = np.sqrt(np.square(wave).mean()) * 10 ** (-self.snr / 20)
            results['modalities'][self.modality] = wave + loudness.astype(np.float32) * noise
        return results


@TRANSFORMS.register_module()
class FitLength(BaseTransform):
    """Repeats a wave until it has a length, and cuts it there (FDKD, C2KD: 3 s or 10 s).

    Args:
        seconds: the length.
        modality: its name; without it in the sample nothing is done.
        rate: of the wave, in Hz.
    """

    def __init__(self, seconds: float, modality: str = 'audio', rate: int = 16000) -> None:
        self.length = round(seconds * rate)
        self.modality = modality

    def transform(self, results: dict) -> dict:
        """See the class."""
        wave = results['modalities'].get(self.modality)
        if wave is not None:
            results['modalities'][self.modality] = np.resize(wave, self.length)
        return results


@TRANSFORMS.register_module()
class LogSpectrogram(BaseTransform):
    """Logarithm of the power spectral density of a wave, as an image (bins, frames, 1).

    ``log(scipy.signal.spectrogram(wave, rate, nperseg=window, noverlap=window - hop)[2] + eps)``
    with scipy's defaults: Tukey window of shape 0.25, mean of each frame removed, density in
    1 / Hz, no padding. 3 s at 16 kHz are 257 x 299, 10 s are 257 x 1004 (FDKD, A.2).

    Args:
        modality: its name; without it in the sample nothing is done.
        rate: of the wave, in Hz; scales the density.
        window: samples a frame.
        hop: samples from a frame to the next.
        eps: added before the logarithm.
        standardize: subtract the mean of the clip and divide by its standard deviation.

    Raises:
        ValueError: a wave shorter than a frame.
        ImportError: torchaudio is missing.
    """

    def __init__(self, modality: str = 'audio', rate: int = 16000, window: int = 512,
                 hop: int = 159, eps: float = 1e-7, standardize: bool = False) -> None:
        self.modality = modality
        self.window = window
        self.hop = hop
        self.eps = eps
        self.standardize = standardize
        shape = torch.from_numpy(tukey(window, 0.25, sym=False))
        self._transform = audio_transforms().Spectrogram(
            window, hop_length=hop, power=None, center=False,
            window_fn=lambda length: shape.float())
        self._window_spectrum = torch.fft.rfft(shape).to(torch.complex64)[:, None]
        # One-sided: every frequency but the first and Nyquist stands for two.
        scale = torch.full((window // 2 + 1, 1), 2.0)
        scale[0] = 1.0
        if window % 2 == 0:
            scale[-1] = 1.0
        self._scale = scale / (rate * shape.square().sum()).float()

    def transform(self, results: dict) -> dict:
        """See the class."""
        wave = results['modalities'].get(self.modality)
        if wave is None:
            return results
        if len(wave) < self.window:
            raise ValueError(f'a wave of {len(wave)} samples is shorter than the window of '
                             f'LogSpectrogram, {self.window}: put FitLength before it')
        # Off the whole wave first: what is left to take off each frame is small, and float32
        # is exact enough for it.
        wave = torch.from_numpy(np.ascontiguousarray(wave - wave.mean(), dtype=np.float32))
        means = wave.unfold(0, self.window, self.hop).mean(1)
        spectrum = self._transform(wave) - means * self._window_spectrum
        image = (spectrum.abs().square() * self._scale + self.eps).log_()
        if self.standardize:
            image = (image - image.mean()) / (image.std(correction=0) + 1e-9)
        results['modalities'][self.modality] = image.numpy()[..., None]
        return results
