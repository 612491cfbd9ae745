# Supervision transfer (Gupta et al., arXiv 1507.00448): the student has no label, and the teacher
# says all that there is to learn.
_base_ = ['recommended.py']
train_dataloader = dict(dataset=dict(labels='none'))
