"""Color spaces as planes of bytes: what Selective Search segments and compares."""

from __future__ import annotations

import numpy as np

from detutils._jit import F4, U1, kernel

LAB_STEPS = 8192  # of the cube root's table; its error stays under a third of a gray level

# Linear sRGB to XYZ under D65 (IEC 61966-2-1), each row divided by the white point and scaled to the table's
# last index.
_X = [np.float32((LAB_STEPS - 1) * value / 0.950456) for value in (0.412453, 0.357580, 0.180423)]
_Y = [np.float32((LAB_STEPS - 1) * value) for value in (0.212671, 0.715160, 0.072169)]
_Z = [np.float32((LAB_STEPS - 1) * value / 1.088754) for value in (0.019334, 0.119193, 0.950227)]
XR, XG, XB = _X
YR, YG, YB = _Y
ZR, ZG, ZB = _Z


@kernel("void(uint8[:,:,::1], uint8[:,:,::1], int64, int64)")
def rgb_planes(image: U1, planes: U1, start: int, stop: int) -> None:
    width = image.shape[1]
    for y in range(start, stop):
        for x in range(width):
            planes[0, y, x] = image[y, x, 0]
            planes[1, y, x] = image[y, x, 1]
            planes[2, y, x] = image[y, x, 2]


@kernel("void(uint8[:,:,::1], uint8[:,:,::1], int64, int64)")
def hsv_planes(image: U1, planes: U1, start: int, stop: int) -> None:
    width = image.shape[1]
    sixth = np.float32(256.0 / 6.0)
    for y in range(start, stop):
        for x in range(width):
            r = np.int32(image[y, x, 0])
            g = np.int32(image[y, x, 1])
            b = np.int32(image[y, x, 2])
            high = max(r, max(g, b))
            low = min(r, min(g, b))
            span = np.float32(max(high - low, np.int32(1)))
            # One formula for the three sectors, as selections instead of branches.
            if high == r:
                part, turn = g - b, 0
            elif high == g:
                part, turn = b - r, 2
            else:
                part, turn = r - g, 4
            hue = np.float32(part) / span + np.float32(turn)
            planes[0, y, x] = np.uint8(np.int32(hue * sixth + np.float32(256.5)) & 255)
            planes[1, y, x] = np.uint8(
                np.float32(255 * (high - low)) / np.float32(max(high, np.int32(1))) + np.float32(0.5)
            )
            planes[2, y, x] = np.uint8(high)


@kernel("void(uint8[:,:,::1], uint8[:,:,::1], float32[::1], float32[::1], int64, int64)")
def lab_planes(image: U1, planes: U1, linear: F4, root: F4, start: int, stop: int) -> None:
    width = image.shape[1]
    half = np.float32(0.5)
    for y in range(start, stop):
        for x in range(width):
            r = linear[image[y, x, 0]]
            g = linear[image[y, x, 1]]
            b = linear[image[y, x, 2]]
            fx = root[np.int32(r * XR + g * XG + b * XB + half)]
            fy = root[np.int32(r * YR + g * YG + b * YB + half)]
            fz = root[np.int32(r * ZR + g * ZG + b * ZB + half)]
            planes[0, y, x] = np.uint8(
                np.float32(255.0 / 100.0) * (np.float32(116) * fy - np.float32(16)) + half
            )
            planes[1, y, x] = np.uint8(np.float32(500) * (fx - fy) + np.float32(128.5))
            planes[2, y, x] = np.uint8(np.float32(200) * (fy - fz) + np.float32(128.5))


@kernel("void(uint8[:,:,::1], uint8[:,:,::1], int64, int64)")
def rgi_planes(image: U1, planes: U1, start: int, stop: int) -> None:
    width = image.shape[1]
    for y in range(start, stop):
        for x in range(width):
            r = np.int32(image[y, x, 0])
            g = np.int32(image[y, x, 1])
            b = np.int32(image[y, x, 2])
            total = r + g + b
            scale = np.float32(255.0) / np.float32(max(total, np.int32(1)))
            if total == 0:  # black has no chromaticity: the neutral one
                planes[0, y, x] = 85
                planes[1, y, x] = 85
            else:
                planes[0, y, x] = np.uint8(np.float32(r) * scale + np.float32(0.5))
                planes[1, y, x] = np.uint8(np.float32(g) * scale + np.float32(0.5))
            planes[2, y, x] = np.uint8((total + 1) // 3)


@kernel("void(uint8[:,:,::1], uint8[:,:,::1], int64, int64)")
def gray_planes(image: U1, planes: U1, start: int, stop: int) -> None:
    width = image.shape[1]
    for y in range(start, stop):
        for x in range(width):
            planes[0, y, x] = np.uint8((np.int32(image[y, x, 0]) + image[y, x, 1] + image[y, x, 2] + 1) // 3)


@kernel("void(uint8[:,:,::1], int64, uint8[:,:,::1], int64, int64)")
def block_means(image: U1, factor: int, out: U1, start: int, stop: int) -> None:
    """Each output pixel is the mean of a block of factor x factor, cut off at the image's border."""
    height, width, channels = image.shape
    total = np.empty(width * channels, np.int32)
    for i in range(start, stop):
        top, bottom = i * factor, min((i + 1) * factor, height)
        total[:] = 0
        for y in range(top, bottom):
            row = image[y].reshape(-1)
            for x in range(total.shape[0]):
                total[x] += np.int32(row[x])
        for j in range(out.shape[1]):
            left, right = j * factor, min((j + 1) * factor, width)
            area = (bottom - top) * (right - left)
            for c in range(channels):
                summed = area // 2
                for x in range(left, right):
                    summed += np.int64(total[x * channels + c])
                out[i, j, c] = np.uint8(summed // area)


@kernel("void(uint8[:,:,::1], uint8[:,:,::1], int64, int64)")
def shrink(image: U1, out: U1, start: int, stop: int) -> None:
    """Each output pixel is the mean of the input area that it covers."""
    height, width, channels = image.shape
    rows, columns = out.shape[0], out.shape[1]
    step_y, step_x = height / rows, width / columns
    total = np.zeros(channels, np.float64)
    for i in range(start, stop):
        top, bottom = i * step_y, (i + 1) * step_y
        y1 = min(int(np.ceil(bottom)), height)
        for j in range(columns):
            left, right = j * step_x, (j + 1) * step_x
            x1 = min(int(np.ceil(right)), width)
            total[:] = 0.0
            weight = 0.0
            for y in range(int(top), y1):
                tall = min(bottom, y + 1.0) - max(top, float(y))
                for x in range(int(left), x1):
                    part = tall * (min(right, x + 1.0) - max(left, float(x)))
                    weight += part
                    for c in range(channels):
                        total[c] += part * image[y, x, c]
            for c in range(channels):
                out[i, j, c] = np.uint8(total[c] / weight + 0.5)
