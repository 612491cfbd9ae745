# CrisisMMD, humanitarian task, labels on which text and image agree. The eight raw labels become
# FDKD's five; the paper names the five, the mapping is inferred.
data_root = 'data/crisismmd'
label_map = dict(
    affected_individuals='affected_individuals',
    injured_or_dead_people='affected_individuals',
    missing_or_found_people='affected_individuals',
    infrastructure_and_utility_damage='infrastructure_and_utility_damage',
    vehicle_damage='infrastructure_and_utility_damage',
    not_humanitarian='not_humanitarian',
    other_relevant_information='other_relevant_information',
    rescue_volunteering_or_donation_effort='rescue_volunteering_or_donation_effort')
tokens = [dict(type='TokenizeText', tokenizer='data/crisismmd/bert', max_length=40)]
train_pipeline = [
    *tokens,
    dict(type='LoadImage', modality='image'),
    dict(type='TransformImages', modality='image', transforms=[
        dict(type='mmpretrain.RandomResizedCrop', scale=224),
        dict(type='mmpretrain.RandomFlip', prob=0.5)]),
    dict(type='PackPairs')]
test_pipeline = [
    *tokens,
    dict(type='LoadImage', modality='image'),
    dict(type='TransformImages', modality='image',
         transforms=[dict(type='mmpretrain.Resize', scale=(224, 224))]),
    dict(type='PackPairs')]
train_dataloader = dict(
    batch_size=64, num_workers=4, drop_last=True,
    worker_init_fn=dict(type='mmfkd.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='CrisisMMDDataset', data_root=data_root, split='train', label_map=label_map,
                 pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64, num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CrisisMMDDataset', data_root=data_root, split='val', label_map=label_map,
                 pipeline=test_pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=64, num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CrisisMMDDataset', data_root=data_root, split='test', label_map=label_map,
                 pipeline=test_pipeline, test_mode=True))
val_evaluator = dict(type='PerBranchMetric',
                     metric=dict(type='mmpretrain.Accuracy', topk=(1,)))
test_evaluator = val_evaluator
