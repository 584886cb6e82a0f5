# SPDX-License-Identifier: GPL-3.0-or-later
"""Building blocks of networks in numpy: layers, and the tensors of safetensors files."""
