# Mars landslides in the challenge's own split, whose validation part is the test set here. Its
# tiles touch those of train, so scores are higher than on new ground.
everywhere = dict(
    modalities=dict(rgb=dict(folder='*/rgb'), aux=dict(folder='*/aux'), gray=dict(folder='*/gray'),
                    thermal=dict(folder='*/thermal')),
    label=dict(folder='*/label', suffix='.png'))
official_train = dict(everywhere, ann_file='official_train.txt')
official_test = dict(everywhere, ann_file='official_val.txt')
