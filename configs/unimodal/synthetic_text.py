_base_ = ['../_base_/models/bert_cls.py', '../_base_/datasets/tweets.py',
          '../_base_/schedules/cls_adam_20e.py', '../_base_/default_runtime.py']
# Short, and a small BERT from random weights: a first run needs neither files nor network nor GPU.
train_cfg = dict(max_epochs=24, val_interval=4)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
default_hooks = dict(checkpoint=dict(interval=4))
channels = dict(feat=64, stages=(64, 64, 64, 64))
model = dict(students=dict(student=dict(
    modality='text',
    model=dict(
        # From random weights the mean of the tokens learns at every seed, BERT's first token not.
        backbone=dict(_delete_=True, type='mmfkd.HFEncoder', pad_token=0, config=dict(
            model_type='bert', vocab_size=277, hidden_size=64, num_hidden_layers=2,
            num_attention_heads=4, intermediate_size=128, max_position_embeddings=64)),
        head=dict(num_classes=5, in_channels=64)))))
