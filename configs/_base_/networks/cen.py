# C.E.N. in the network and under the schedule of its baseline; it has no teacher.
_base_ = ['../pairs/streets_rgb-ir.py']
unimodal = _base_.model.students.student.model
model = dict(
    teachers=dict(_delete_=True),
    students=dict(student=dict(
        _base_.both, _delete_=True,
        model=dict(
            _scope_='mmseg', type='mmfkd.CEN', modalities=_base_.both.modality,
            backbone=unimodal.backbone, decode_head=unimodal.decode_head,
            exchange=dict(channel=dict(norms=_base_.block_norms, threshold=0.02))))))
# Selected is what does well with both modalities and with each alone.
metric = _base_.val_evaluator.get('metric', _base_.val_evaluator)
val_evaluator = dict(_delete_=True, type='PerBranchMetric', metric=metric,
                     mean=['+'.join(subset) for subset in _base_.both.subsets])
default_hooks = dict(checkpoint=dict(save_best='mean/' + _base_.default_hooks.checkpoint.save_best))
# As its authors have it. RefineNet-R50 has the 99.13 M parameters of CSK-Net's tables at 26 classes
# (depth=101 of the authors' own tables has 118.17 M). Batch norm statistics stay those of ImageNet;
# learning rates of encoder and decoder of their own, halved and lowered to 0.4 of that after each
# third; scales from 0.5 to 2. 200 epochs at batch 8, as CSK-Net says.
refinenet = dict(
    backbone=dict(
        _delete_=True, type='ResNet', depth=50, num_stages=4, out_indices=(0, 1, 2, 3),
        strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1), norm_cfg=dict(type='BN'), norm_eval=True,
        style='pytorch',
        init_cfg=dict(type='mmfkd.InflatedPretrained', checkpoint='torchvision://resnet50')),
    decode_head=dict(_delete_=True, type='mmfkd.RefineNetHead',
                     in_channels=(256, 512, 1024, 2048),
                     num_classes=unimodal.decode_head.num_classes),
    exchange=dict(channel=dict(norms=[f'layer{stage}.{block}.bn2'
                                      for stage, blocks in ((1, 3), (2, 4), (3, 6), (4, 3))
                                      for block in range(blocks)])))
# At full size alone.
presets = {} if _base_.get('small', False) else dict(refinenet=dict(
    model=dict(students=dict(student=dict(model=refinenet))),
    optim_wrapper=dict(
        optimizer=dict(_delete_=True, type='SGD', lr=5e-4, momentum=0.9, weight_decay=1e-5),
        paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=6.0)))),
    param_scheduler=[dict(type='MultiStepLR', milestones=[67], gamma=0.5, by_epoch=True),
                     dict(type='MultiStepLR', milestones=[133], gamma=0.4, by_epoch=True)],
    train_dataloader=dict(dataset=dict(pipeline=[
        dict(type='LoadModalities'),
        dict(type='LoadCheckedAnnotations'),
        dict(type='StackModalities'),
        dict(type='mmseg.RandomResize', scale=(640, 480), ratio_range=(0.5, 2.0),
             keep_ratio=True),
        dict(type='mmseg.RandomCrop', crop_size=(500, 500)),
        dict(type='mmseg.RandomFlip', prob=0.5),
        dict(type='PackModalities')]))))
