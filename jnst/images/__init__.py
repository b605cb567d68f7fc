"""Pictures: files in and out, resizing, and their colours.

Any common picture file is read into a NumPy array, height x width x 3, float32, sRGB nominally in
[0, 1]; such arrays are written as PNG, JPEG, WebP or TIFF files. Only this package imports Pillow,
tifffile and imagecodecs.
"""

from .color_matching import match_colors as match_colors
from .luminance import keep_colors as keep_colors
from .reader import Picture as Picture
from .reader import read_image as read_image
from .resizing import fit_size as fit_size
from .resizing import resize as resize
from .resizing import resize_picture as resize_picture
from .resizing import without_rim as without_rim
from .writer import check_writable as check_writable
from .writer import picture_bytes as picture_bytes
from .writer import read_parameters as read_parameters
from .writer import write_image as write_image
