_base_ = ['../_base_/networks/disoptnet.py']
