"""Sound: from a file to a log power spectrogram."""

from collections.abc import Callable

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmfkd.registry import TRANSFORMS

from .forms import check_form, check_loaded
from .resampling import audio_transforms, resampler
from .sound_files import loaded_wave, read_wave


@TRANSFORMS.register_module()
class LoadAudio(BaseTransform):
    """Reads a sound file as a mono wave at one rate, clipped to [-1, 1].

    Required Keys:

    - modalities: ``{modality: dict(path, start, end)}``; the last two, in seconds, are optional.
      Or ``dict(array, rate)`` of a wave (S,) or (S, channels) that is loaded, its rate in Hz.

    Modified Keys:

    - modalities: ``{modality: float32 (S,)}``

    Added Keys:

    - rates: ``{modality: rate}``, which travels with the wave

    Args:
        modality: its name; without it in the sample nothing is done.
        rate: Hz to which files of another rate are resampled.

    Raises:
        FileNotFoundError, ValueError: see :func:`read_wave`; or the modality is no file.
        ImportError: a file has another rate and torchaudio is missing.
    """

    def __init__(self, modality: str = 'audio', rate: int = 16000) -> None:
        self.modality = modality
        self.rate = rate
        self._resamplers: dict[int, Callable[[np.ndarray], np.ndarray]] = {}

    def transform(self, results: dict) -> dict:
        """See the class."""
        spec = results['modalities'].get(self.modality)
        if spec is not None:
            check_form(spec, 'path', self.modality, 'LoadAudio')
            wave, rate = (loaded_wave(spec['array'], spec['rate']) if 'array' in spec else
                          read_wave(spec['path'], spec.get('start', 0.0), spec.get('end')))
            results['modalities'][self.modality] = self._resampled(wave, rate).clip(-1, 1)
            results.setdefault('rates', {})[self.modality] = self.rate
        return results

    def _resampled(self, wave: np.ndarray, rate: int) -> np.ndarray:
        if rate == self.rate:
            return wave
        if rate not in self._resamplers:
            self._resamplers[rate] = resampler(rate, self.rate)
        return self._resamplers[rate](wave)


@TRANSFORMS.register_module()
class AddNoise(BaseTransform):
    """Adds white noise to a wave at a signal-to-noise ratio; silence stays silent.

    Args:
        snr: in dB; 0 makes noise as loud as the sound.
        modality: its name; without it in the sample nothing is done.
        seed: None draws new noise at every call, for training; a number gives a sample the same
            noise every time, for evaluation.

    Raises:
        ValueError: nothing is loaded.
    """

    def __init__(self, snr: float, modality: str = 'audio', seed: int | None = None) -> None:
        self.snr = snr
        self.modality = modality
        self.seed = seed

    def transform(self, results: dict) -> dict:
        """See the class; reads ``sample_idx`` if there is a seed."""
        wave = results['modalities'].get(self.modality)
        if wave is not None:
            check_loaded(wave, self.modality, 'AddNoise', 'LoadAudio')
            seed = (np.random.randint(2 ** 32) if self.seed is None
                    else (self.seed, results['sample_idx']))
            noise = np.random.default_rng(seed).standard_normal(len(wave), dtype=np.float32)
            loudness = np.sqrt(np.square(wave).mean()) * 10 ** (-self.snr / 20)
            results['modalities'][self.modality] = wave + loudness.astype(np.float32) * noise
        return results


def rate_of(results: dict, modality: str, rate: int | None, step: str) -> int:
    """Rate of a wave in Hz.

    Args:
        results: of the pipeline so far.
        modality: of the wave.
        rate: that the step was given, or None.
        step: its name, for the message.

    Raises:
        ValueError: nobody knows the rate, or the step was given another one than the wave has.
    """
    known = results.get('rates', {}).get(modality)
    if known is None and rate is None:
        raise ValueError(f"the rate of '{modality}' is not known: put LoadAudio before {step}, or "
                         f'give {step} its rate')
    if known is not None and rate is not None and known != rate:
        raise ValueError(f"{step} has rate={rate}, but the wave of '{modality}' was loaded at "
                         f'{known} Hz: leave rate of {step} out, as the wave brings its own')
    return known if rate is None else rate


@TRANSFORMS.register_module()
class FitLength(BaseTransform):
    """Repeats a wave until it has a length, and cuts it there (FDKD, C2KD: 3 s or 10 s).

    Args:
        seconds: the length.
        modality: its name; without it in the sample nothing is done.
        rate: of a wave that does not bring its own, in Hz.

    Raises:
        ValueError: nothing is loaded; see :func:`rate_of`.
    """

    def __init__(self, seconds: float, modality: str = 'audio', rate: int | None = None) -> None:
        self.seconds = seconds
        self.modality = modality
        self.rate = rate

    def transform(self, results: dict) -> dict:
        """See the class."""
        wave = results['modalities'].get(self.modality)
        if wave is not None:
            check_loaded(wave, self.modality, 'FitLength', 'LoadAudio')
            rate = rate_of(results, self.modality, self.rate, 'FitLength')
            results['modalities'][self.modality] = np.resize(wave, round(self.seconds * rate))
        return results


@TRANSFORMS.register_module()
class LogSpectrogram(BaseTransform):
    """Logarithm of the power spectral density of a wave, as an image (bins, frames, 1).

    ``log(scipy.signal.spectrogram(wave, rate, nperseg=window, noverlap=window - hop)[2] + eps)``
    with scipy's defaults: Tukey window of shape 0.25, mean of each frame removed, density in
    1 / Hz, no padding. 3 s at 16 kHz are 257 x 299, 10 s are 257 x 1004 (FDKD, A.2).

    Args:
        modality: its name; without it in the sample nothing is done.
        rate: of a wave that does not bring its own, in Hz; scales the density.
        window: samples a frame.
        hop: samples from a frame to the next.
        eps: added before the logarithm.
        standardize: subtract the mean of the clip and divide by its standard deviation.

    Raises:
        ValueError: nothing is loaded, or a wave shorter than a frame; see :func:`rate_of`.
        ImportError: torchaudio is missing.
    """

    def __init__(self, modality: str = 'audio', rate: int | None = None, window: int = 512,
                 hop: int = 159, eps: float = 1e-7, standardize: bool = False) -> None:
        self.modality = modality
        self.rate = rate
        self.window = window
        self.hop = hop
        self.eps = eps
        self.standardize = standardize
        from scipy.signal.windows import tukey  # slow to import, and for sound alone

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
        self._scale = scale / shape.square().sum().float()

    def transform(self, results: dict) -> dict:
        """See the class."""
        wave = results['modalities'].get(self.modality)
        if wave is None:
            return results
        check_loaded(wave, self.modality, 'LogSpectrogram', 'LoadAudio')
        if len(wave) < self.window:
            raise ValueError(f'a wave of {len(wave)} samples is shorter than the window of '
                             f'LogSpectrogram, {self.window}: put FitLength before it')
        rate = rate_of(results, self.modality, self.rate, 'LogSpectrogram')
        # Off the whole wave first: what is left to take off each frame is small, and float32
        # is exact enough for it.
        wave = torch.from_numpy(np.ascontiguousarray(wave - wave.mean(), dtype=np.float32))
        means = wave.unfold(0, self.window, self.hop).mean(1)
        spectrum = self._transform(wave) - means * self._window_spectrum
        image = (spectrum.abs().square() * (self._scale / rate) + self.eps).log_()
        if self.standardize:
            image = (image - image.mean()) / (image.std(correction=0) + 1e-9)
        results['modalities'][self.modality] = image.numpy()[..., None]
        return results
