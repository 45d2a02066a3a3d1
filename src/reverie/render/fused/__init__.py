"""A whole picture of a mesh, with its gradients, as a few loops of machine code on a processor.

Every file here needs numba and is imported only where it is installed; the same steps as torch operations, for all
other devices, are the files of `reverie.render`.
"""
