"""How cost grows: with the picture, the layers, the answer, the samples and the processes."""
