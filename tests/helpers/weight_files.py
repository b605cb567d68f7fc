"""Weight files of kilobytes, good and bad, and the command run beside them."""

from small_vgg import family_layers, keras_file, make_small, random_layers

from jnst import cli
from jnst.network.formats import write_native
from jnst.network.preprocessing import CAFFE, TORCHVISION

VGG19 = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"


def enter_folder(monkeypatch, folder):
    """Works in `folder`, with a cache in it that is not yet there, and may download."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("JNST_CACHE", str(folder / "cache"))
    monkeypatch.delenv("JNST_OFFLINE", raising=False)


def runner(capfd):
    """Runs a command given as one text; returns exit code, standard output, standard error."""

    def run(words):
        code = cli.main(words.split())
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run


def make_files(monkeypatch, folder):
    """Known (k.h5), unknown (u.h5) and native (n.h5) weights; and four that cannot be used."""
    make_small(monkeypatch)
    keras_file(folder / "k.h5", family_layers("torchvision", "vgg19"))
    keras_file(folder / "u.h5", random_layers("vgg16"))
    write_native(folder / "n.h5", family_layers("caffe", "vgg16"), "vgg16", CAFFE)
    write_native(folder / "liar.h5", family_layers("caffe", "vgg16"), "vgg16", TORCHVISION)
    whole = (folder / "k.h5").read_bytes()
    (folder / "cut.h5").write_bytes(whole[: len(whole) // 2])
    (folder / "page.h5").write_bytes(b"<!DOCTYPE html><title>Log in</title>")
    (folder / "folder").mkdir()
