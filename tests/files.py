"""Pictures and sounds for tests, good and bad, made of real bytes."""

import io
import struct
import wave
import zlib
from typing import Any

import av
from av.audio.stream import AudioStream
from PIL import Image

SCRIPT = b"<script>alert('canary')</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><rect width="9" height="9"/></svg>'


def picture(format: str = "PNG", size: tuple[int, int] = (640, 480), mode: str = "RGB", **options: Any) -> bytes:
    """Its left half is red, its right half is blue."""
    image = Image.new(mode, size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def photo(size: tuple[int, int] = (640, 480)) -> bytes:
    """A JPEG as of a phone: turned by a quarter, with a place, a camera and a comment."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Canary Cameras"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (48.0, 12.0, 30.0)
    return picture("JPEG", size, exif=exif, comment=b"canary comment")


def noise(format: str, size: tuple[int, int], **options: Any) -> bytes:
    image = Image.effect_noise((size[0] // 2, size[1] // 2), 40).resize(size).convert("RGB")
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bomb(side: int = 13_000) -> bytes:
    """Some 20 KB that unpack to a picture of `side` by `side`."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * (side // 8 + 2)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def jpeg_of_65535() -> bytes:
    """A small JPEG whose header says 65,535 by 65,535."""
    small = picture("JPEG", (16, 16))
    at = small.index(b"\xff\xc0") + 5
    return small[:at] + b"\xff\xff\xff\xff" + small[at + 4 :]


def gif_of_frames(count: int = 10_000, size: int = 64) -> bytes:
    """An animation whose frames differ by one pixel."""
    header = b"GIF89a" + struct.pack("<HHBBB", size, size, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x21\xf9\x04\x00\x01\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return header + frame * count + b";"


def wav(seconds: float = 1.0, rate: int = 8_000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(rate)
        sound.writeframes(b"\x80" * int(seconds * rate))
    return file.getvalue()


CODECS = {
    "ogg": ("libopus", 48_000),
    "webm": ("libopus", 48_000),
    "mp4": ("aac", 44_100),
    "mp3": ("libmp3lame", 44_100),
}


def sound(container: str, seconds: float = 1.0, **metadata: str) -> bytes:
    """Silence, of which an hour takes little room. `container`: ogg, webm, mp4 (which is m4a) or mp3."""
    codec, rate = CODECS[container]
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        output.metadata.update(metadata)
        stream = output.add_stream(codec, rate=rate, layout="mono", bit_rate=6_000)
        assert isinstance(stream, AudioStream)
        resampler = av.AudioResampler(stream.format.name, "mono", rate, frame_size=stream.frame_size or 960)
        for _ in range(max(1, int(seconds))):
            for frame in resampler.resample(_second_of_silence(rate)):
                output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def _second_of_silence(rate: int) -> av.AudioFrame:
    silence = av.AudioFrame(format="s16", layout="mono", samples=rate)
    silence.planes[0].update(b"\0" * silence.planes[0].buffer_size)
    silence.sample_rate = rate
    return silence


def film() -> bytes:
    """A WebM of pictures."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as output:
        stream = output.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        frame = av.VideoFrame(64, 64, "yuv420p")
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def wav_that_lies(seconds: int) -> bytes:
    """Its header promises one second."""
    made = bytearray(wav(seconds))
    at = made.index(b"data") + 4
    made[at : at + 4] = struct.pack("<I", 8_000)
    return bytes(made)
