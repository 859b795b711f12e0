"""The formats of picture files: from the bytes of each to a `Picture`, and back.

registry, limits                    what is read, written and held by each; how large a picture may be
pillow_pictures, tiff_pictures      one reader for each family; the next two need packages of extras
heif_pictures, raw_pictures
writer, jpeg_strips                 all that are written; a JPEG while its pixels are being made
pillow_samples, tiff_samples        samples as arrays, by Pillow, and of TIFFs that it does not understand
deep_png, tiff_writer, deflating    PNG and TIFF of 16 bits
png_chunks, jpeg_segments           the parts of files that say what is beside the samples
tiff_directories, iso_boxes
metadata                            EXIF and XMP, made true of the new picture
coding, transfer, profiles          what samples mean as light, and as numbers of sRGB
"""
