_base_ = ['../_base_/networks/csknet.py']
