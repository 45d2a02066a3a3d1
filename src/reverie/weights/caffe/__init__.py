"""Caffe's files of numbers (.caffemodel, .binaryproto), read as data by a small bounded reader of our own."""
