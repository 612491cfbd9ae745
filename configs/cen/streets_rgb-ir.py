_base_ = ['../_base_/networks/cen.py']
