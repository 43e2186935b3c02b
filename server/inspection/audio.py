"""A sound is played, without being heard, to learn how long it is: what a header says of that may be false.

Only the one format is tried that the file's first bytes promise, without what would lead elsewhere (playlists,
references, the network), and only decoders of sound. Runs in the child only.
"""

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from server.inspection.orders import LookAtAudio, Sound, Unfit

DECODERS = frozenset(
    {"opus", "vorbis", "aac", "alac", "flac", "mp3", "mp3float", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_u8"}
    | {"pcm_f32le", "pcm_alaw", "pcm_mulaw", "libopus", "libvorbis"}
)
NOTHING_ELSE = {"protocol_whitelist": "file", "enable_drefs": "0"}


def look_at_audio(order: LookAtAudio) -> Sound | Unfit:
    try:
        with av.open(order.source, format=order.decoder, options=NOTHING_ELSE) as container:
            voice = _voice(container)
            return Unfit("unreadable") if voice is None else _played(container, voice, order.seconds)
    except (av.error.FFmpegError, ValueError, ArithmeticError, OSError):
        return Unfit("unreadable")


def _voice(container: InputContainer) -> AudioStream | None:
    """The one stream of sound. A picture of the cover may be beside it, a film may not."""
    films = [stream for stream in container.streams.video if not _is_cover(stream)]
    voices = container.streams.audio
    if films or len(voices) != 1 or voices[0].codec_context.name not in DECODERS:
        return None
    voices[0].codec_context.thread_count = 1
    return voices[0]


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


def _played(container: InputContainer, voice: AudioStream, limit: float) -> Sound | Unfit:
    seconds = 0.0
    for frame in container.decode(voice):
        seconds += frame.samples / frame.sample_rate
        if seconds > limit:
            return Unfit("too_long")
    return Sound(seconds=round(seconds, 3)) if seconds > 0 else Unfit("unreadable")
