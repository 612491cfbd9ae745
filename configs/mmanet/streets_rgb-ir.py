_base_ = ['../_base_/networks/mmanet.py']
