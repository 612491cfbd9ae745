_base_ = ['../_base_/networks/cddfuse.py']
