"""The files of pretrained weights: their official homes, checksums and terms, and where they are kept here.

No weights are shipped or downloaded unasked: `moodscribe weights fetch NAME` does it. The checksums are what
the makers of the files publish: Keras's own MD5 (keras.applications, 3.15), and for squeezenet the SHA-256 of
a file whose MD5 is the one that keras-squeezenet publishes. Keras publishes none for mobilenet and
mobilenet_v2: these are known by their size only. Google publishes none for vggish, the one net here that is
for sound: its MD5 is the one by which OpenMIC-2018 and IBM's MAX Audio Classifier check it. What the first
fetch brought is recorded beside the file, with its SHA-256, and checked against that from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.cache_folder import cache_folder
from models.image_nets.registry import net_entry, unknown
from schemas.errors import DataError, FailureKind, Stage

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_SQUEEZENET = "https://github.com/DeepCognition/keras-squeezenet/releases/download/v0.4"

_VGG = "Visual Geometry Group, University of Oxford (Simonyan and Zisserman 2014), CC BY 4.0"
_RESNET = "Kaiming He et al. (2015), MIT"
_XCEPTION = "François Chollet (2016), MIT"
_DENSENET = "Gao Huang, Zhuang Liu et al. (2016), BSD 3-Clause"
_GOOGLE = "Google, Apache-2.0"
_IANDOLA = "Iandola et al. (2016), BSD 2-Clause; converted by keras-squeezenet, MIT"
_HERSHEY = "Google (Hershey et al. 2017), published with Apache-2.0 code, no terms of its own found"


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file of weights: `size` in bytes (0 unknown), `sha256` and `md5` in hex ("" not published)."""

    net: str
    url: str
    size: int
    terms: str
    md5: str = ""
    sha256: str = ""

    @property
    def file_name(self) -> str:
        """The file's name at its home, in a mirror and in the cache."""
        return self.url.rpartition("/")[2]


def _keras(net: str, path: str, size: int, terms: str, *, md5: str = "") -> WeightsFile:
    return WeightsFile(net, f"{_KERAS}/{path}", size, terms, md5=md5)


def _kernels(folder: str, name: str) -> str:
    return f"{folder}/{name}_weights_tf_dim_ordering_tf_kernels.h5"


# Sizes as Keras's downloader prints them, where a public log of one was found.
_FILES = (
    _keras("vgg16", _kernels("vgg16", "vgg16"), 553_467_096, _VGG, md5="64373286793e3c8b2b4e3219cbf3544b"),
    _keras("vgg19", _kernels("vgg19", "vgg19"), 574_710_816, _VGG, md5="cbe5617147190e668d6c5d5026f83318"),
    _keras(
        "resnet50",
        _kernels("resnet", "resnet50"),
        102_967_424,
        _RESNET,
        md5="2cb95161c43110f7111970584f804107",
    ),
    _keras(
        "xception",
        _kernels("xception", "xception"),
        91_884_032,
        _XCEPTION,
        md5="0a58e3b7378bc2990ea3b43d5981f1f6",
    ),
    _keras(
        "inception_v3",
        _kernels("inception_v3", "inception_v3"),
        96_112_376,
        _GOOGLE,
        md5="9a0d58056eeedaa3f26cb7ebd46da564",
    ),
    _keras(
        "densenet121",
        _kernels("densenet", "densenet121"),
        0,
        _DENSENET,
        md5="9d60b8095a5708f2dcce2bca79d332c7",
    ),
    _keras(
        "densenet169",
        _kernels("densenet", "densenet169"),
        0,
        _DENSENET,
        md5="d699b8f76981ab1b30698df4c175e90b",
    ),
    _keras(
        "densenet201",
        _kernels("densenet", "densenet201"),
        0,
        _DENSENET,
        md5="1ceb130c1ea1b78c3bf6114dbdfd8807",
    ),
    _keras("mobilenet", "mobilenet/mobilenet_1_0_224_tf.h5", 17_225_924, _GOOGLE),
    _keras(
        "mobilenet_v2",
        "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
        14_536_120,
        _GOOGLE,
    ),
    _keras("nasnet_large", "nasnet/NASNet-large.h5", 0, _GOOGLE, md5="11577c9a518f0070763c2b964a382f17"),
    _keras(
        "nasnet_mobile",
        "nasnet/NASNet-mobile.h5",
        24_227_760,
        _GOOGLE,
        md5="020fb642bf7360b370c678b08e0adf61",
    ),
    _keras(
        "inception_resnet_v2",
        _kernels("inception_resnet_v2", "inception_resnet_v2"),
        0,
        _GOOGLE,
        md5="e693bd0210a403b3192acc6073ad2e96",
    ),
    WeightsFile(
        "squeezenet",
        f"{_SQUEEZENET}/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
        3_002_560,
        _IANDOLA,
        md5="80b66c92d79d4310e07fb60a297bf0d1",
        sha256="17154246284f555591549ac2c83e127abfbf4307dc4b0060fdaa2931d0fa38da",
    ),
    WeightsFile(
        "vggish",
        "https://storage.googleapis.com/audioset/vggish_model.ckpt",
        0,
        _HERSHEY,
        md5="d1c7011e6366aa34176bb05c705e31a8",
    ),
)
WEIGHTS: Mapping[str, WeightsFile] = {file.net: file for file in _FILES}


def weights_file(net: str) -> WeightsFile:
    """The file of a net's weights; DataError(bad_input) for an unknown net, with the near names."""
    if net not in WEIGHTS:
        raise unknown(f"image net {net!r} is not known", net, WEIGHTS)
    return WEIGHTS[net]


def weights_folder() -> Path:
    """Where fetched weights are kept."""
    return cache_folder("weights")


def weights_path(net: str, *, given: str = "") -> Path:
    """The given file, or the fetched weights of an image net; DataError(not_found) where it is not there,
    with the command that fetches them."""
    return path_of(WEIGHTS[net_entry(net).name], given=given, how=" with `--set weights=FILE`")


def path_of(file: WeightsFile, *, given: str = "", how: str = "") -> Path:
    """The given file, or the fetched one; errors as `weights_path`. `how` says how a file can be given."""
    path = Path(given) if given else weights_folder() / file.file_name
    if given and not path.is_file():
        raise DataError(FailureKind.NOT_FOUND, Stage.BUNDLE, f"{path}: no such file of weights")
    if not path.is_file():
        message = (
            f"the weights of {file.net} are not on this machine: run `moodscribe weights fetch {file.net}`, "
            f"or give a file of your own{how} ({path} is not there)"
        )
        raise DataError(FailureKind.NOT_FOUND, Stage.BUNDLE, message)
    return path
