# AST, the audio spectrogram transformer (Gong et al., arXiv 2104.01778): 12 layers on a spectrogram
# of 128 bins and 1024 frames, of which patches of 16 that begin every 10 are a grid of 12x101
# after two tokens. Weights are a local folder of transformers:
# backbone=dict(pretrained='data/pretrained/ast', config=None). What inherits it says norm and
# classes.
model = dict(
    type='CrossModalDistiller',
    data_preprocessor=dict(type='MultiModalDataPreprocessor'),
    students=dict(student=dict(
        modality='audio',
        taps=dict(feat='backbone[0]', logits='head.fc',
                  layer1='backbone.stages.0:2+NPC12x101', layer2='backbone.stages.1:2+NPC12x101',
                  layer3='backbone.stages.2:2+NPC12x101', layer4='backbone.stages.3:2+NPC12x101',
                  pre1='backbone.stages.0:2+NPC12x101', pre2='backbone.stages.1:2+NPC12x101',
                  pre3='backbone.stages.2:2+NPC12x101', pre4='backbone.stages.3:2+NPC12x101'),
        model=dict(
            _scope_='mmpretrain',
            type='ImageClassifier',
            backbone=dict(
                type='mmfkd.HFEncoder', spectrogram=True, pretrained=None, config=dict(
                    model_type='audio-spectrogram-transformer', num_mel_bins=128,
                    max_length=1024)),
            head=dict(type='LinearClsHead', in_channels=768,
                      loss=dict(type='mmfkd.LabelledCrossEntropyLoss'))))))
# Widths of the tap feat and of the four stages, for methods that need them.
channels = dict(feat=768, stages=(768, 768, 768, 768))
