"""The command line: every field of Config is an option, and every mistake is named."""

from dataclasses import fields, replace

import pytest

from jnst.cli.options.parser import build_parser
from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Request
from jnst.cli.options.words import UsageError, in_options, option, option_words
from jnst.config import PRESETS, Config
from jnst.config.effects import idle_fields
from jnst.wording import Setting, SettingError, field_of

PICTURES = ["--content", "in/cat.jpg", "--style", "night.png"]


def request(*words: str) -> Request:
    found = parse([*PICTURES, *words])
    assert isinstance(found, Request)
    return found


@pytest.mark.parametrize("name", PRESETS)
def test_every_field_is_an_option(name: str) -> None:
    """All fields of a preset that have an effect, typed out, give them again from the default."""
    typed: list[str] = []
    idle = idle_fields(PRESETS[name], 1)
    names = [spec.name for spec in fields(Config) if spec.name not in idle]
    for field in names:
        typed += option_words(field, getattr(PRESETS[name], field))
    found = request(*typed).config
    for field in names:
        assert getattr(found, field) == getattr(PRESETS[name], field), field


def test_a_preset_is_where_options_start() -> None:
    found = request("--preset", "gatys2016", "--size", "300", "--tv-weight", "0.5")
    assert found.config == replace(PRESETS["gatys2016"], size=300, tv_weight=0.5)
    assert found.preset == "gatys2016"
    assert request().config == Config()


@pytest.mark.parametrize(
    "words",
    [
        ["--steps", "30,20", "--scales", "0.5,1"],
        ["--steps", "30", "20", "--scales", "0.5", "1"],
        ["--steps=30, 20", "--scales=0.5, 1,"],
    ],
)
def test_lists_take_spaces_and_commas(words: list[str]) -> None:
    assert request(*words).config == Config(steps=(30, 20), scales=(0.5, 1.0))


def test_an_empty_list_is_empty() -> None:
    assert request("--content-layers", "").config.content_layers == ()


def test_several_styles_in_one_option_or_several() -> None:
    one = request("moon.jpg", "--style-weights", "1,2")
    two = request("--style", "moon.jpg", "--style-weights", "1,2")
    assert one == two
    assert one.styles == ("night.png", "moon.jpg")


def test_names_that_follow_from_others() -> None:
    found = request("--save-every", "5")
    assert (found.output, found.snapshot_folder) == ("cat_night.png", "cat_night_steps")
    assert found.sheet == "cat_night_sheet.png"
    found = request("--output", "art/a.jpg", "--save-every", "5", "--snapshots", "x")
    assert (found.output, found.snapshot_folder) == ("art/a.jpg", "x")
    assert found.sheet == "art/a_sheet.png"
    assert request("a.jpg", "b.jpg", "c.jpg", "d.jpg").output == "cat_night_a_b_and_2_more.png"


def test_memory_and_tiles() -> None:
    assert (request().memory, request().tile) == (None, None)
    assert request("--memory", "1.5GB").memory == 1_500_000_000
    assert request("--memory", "800M").memory == 800_000_000
    assert request("--tile", "256").tile == 256
    assert request("--tile", "0").tile == 0


def test_an_init_image_means_init_file() -> None:
    assert request("--init-image", "start.png").config.init == "file"
    with pytest.raises(UsageError, match="--init file starts from a picture: add --init-image"):
        request("--init", "file")
    with pytest.raises(UsageError, match="--init-image has no use with --init noise"):
        request("--init", "noise", "--init-image", "start.png")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stpes", "9"], "unknown option --stpes; did you mean --steps?"),
        (["--contnet-weight=9"], "unknown option --contnet-weight; did you mean --content-weight?"),
        (["--iterations", "9"], "unknown option --iterations; did you mean --steps?"),
        (["--num-iterations=9"], "unknown option --num-iterations; did you mean --steps?"),
        (["-num_iterations", "9"], "unknown option -num_iterations; did you mean --steps?"),
        (["--content_image", "a.png"], "unknown option --content_image; did you mean --content?"),
        (["--content-image=a.png"], "unknown option --content-image; did you mean --content?"),
        (["--style_image", "a.png"], "unknown option --style_image; did you mean --style?"),
        (["--image-size", "9"], "unknown option --image-size; did you mean --size?"),
        (["--output-image", "a"], "unknown option --output-image; did you mean --output?"),
        (["--tv_weight", "1"], "unknown option --tv_weight; did you mean --tv-weight?"),
        (["--gpu", "0"], "unknown option --gpu; JAX chooses the device: .*see --devices$"),
        (["--use_cuda"], "unknown option --use_cuda; JAX chooses the device"),
        (["--init-image", "http://a.org//b.png"], "http://a.org//b.png is an address, and nothing"),
        (["--weights=https://a.org/b.h5"], "^https://a.org/b.h5 is an address"),
        (["--sweep", "iterations=1,2"], "no such option; did you mean steps?"),
        (["--xyzzy"], "unknown option --xyzzy; --help all shows all options"),
        (["--size", "9", "photo.jpg"], "unexpected 'photo.jpg'; pictures are given as --content"),
        (["--preset", "gatis2016"], "unknown preset 'gatis2016'; did you mean gatys2016?"),
        (["--preset"], "--preset needs a name: choose one of default, neural-style"),
        (["--network", "vgg18"], "unknown network 'vgg18'; did you mean vgg"),
        (["--style-layers", "relu41"], "vgg16 has no layer 'relu41'; did you mean 'relu4_1'?"),
        (["--content-layers", "relu3_4"], "vgg16 has no layer 'relu3_4'"),
        (["--style-layers", "relu9_1"], "vgg16 has no layer 'relu9_1'; did you mean 'relu5_1'?"),
        (["--optimizer", "adma"], "unknown --optimizer 'adma'; did you mean 'adam'?"),
        (["--size-side", "longr"], "unknown --size-side 'longr'; did you mean 'longer'?"),
        (["--content-weight", "-1"], "--content-weight is -1.0: it must be a finite number of at"),
        (["--style-weights", "-1"], r"--style-weights is \(-1.0,\): each must be finite and at"),
        (["--style-weights", "1", "2"], "--style-weights has 2 numbers for 1 styles"),
        (["--tv-weight", "nan"], "--tv-weight is nan: it must be"),
        (["--scales", "nan", "1"], r"--scales is \(nan, 1.0\): positive"),
        (["--size", "0"], "--size is 0: it must be a whole number of at least 1"),
        (["--size", "big"], "--size: 'big' is not a whole number"),
        (["--tv-weight", "lots"], "--tv-weight: 'lots' is not a number"),
        (["--steps", "1.5"], "--steps: '1.5' is not a whole number"),
        (["--output"], "--output: expected one argument"),
        (["--quality", "best"], "unknown --quality 'best'; choose one of draft, normal, fine"),
        (["--strength", "0"], "--strength is 0.0: it must be a finite number above 0"),
        (["--memory", "lots"], "--memory: 'lots' is not a size, such as 4GB"),
        (["--memory", "0GB"], "--memory: '0GB' is not a size, such as 4GB"),
        (["--max-pixels", "9" * 400], "is not a number above 0"),
        (["--tile", "100"], "--tile: 100 is too small: 128 pixels or more, or 0 for the whole"),
        (["--bits", "12"], "--bits is 12: choose 8 or 16"),
        (["--save-every", "-3"], "--save-every is -3"),
        (["--snapshots", "x"], "--snapshots says where, but not when: add --save-every N"),
        (["--checkpoint-every", "9"], "--checkpoint-every says when, but not where: add --check"),
        (["--memory", "4GB", "--tile", "0"], "--memory chooses the windows that --tile names"),
        (["--rerun", "out.png"], "--rerun FILE only prints a command"),
    ],
)
def test_mistakes_are_named(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")) as caught:
        request(*words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--content is missing"),
        (["--style", "a.png"], "--content is missing"),
        (["--content", "a.png"], "--style is missing"),
        (["--contnt", "a.png", "--style", "b.png"], r"--contnt; did you mean --content\?"),
        (["--content", "https://a.org/b.jpg"], "^https://a.org/b.jpg is an address, and nothing"),
        (["--cont", "a.png", "--style", "b.png"], "unknown option --cont; did you mean"),
    ],
)
def test_both_pictures_are_needed(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(words)


def test_rerun_asks_for_one_file() -> None:
    assert parse(["--rerun", "out.png"]) == "out.png"


def test_help_names_every_field_and_the_defaults_of_the_preset(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--preset", "gatys-pytorch", "--help", "all"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for spec in fields(Config):
        assert option(spec.name) in text
        assert " ".join(spec.metadata["help"].split()) in text
    assert "(default: 500 200)" in text
    groups = [text.index(f" {title}: ") for title in ("files", "network", "picture", "objective")]
    assert groups == sorted(groups)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--version"], version="1.2.3")
    assert capsys.readouterr().out == "jnst 1.2.3\n"


def test_nothing_is_in_the_namespace_unless_typed() -> None:
    assert vars(build_parser().parse_args(["--size", "9"])) == {"size": 9}


def test_library_errors_in_the_words_of_the_command() -> None:
    parts = (Setting("init"), " is 'file': use ", Setting("init", "gray"), " or ")
    error = SettingError(*parts, Setting("clamp", False), ", as init says")
    assert str(error) == "init is 'file': use init='gray' or clamp=False, as init says"
    assert in_options(error) == "--init is 'file': use --init gray or --no-clamp, as init says"
    assert error.field == "init"
    assert in_options(ValueError("the content of tv_weight")) == "the content of tv_weight"


WRITTEN = [
    "--style x.png --preset gatys2016 --size 300 --style-layer-weights 0.5",
    "--style x.png --no-clamp --scales 0.3333333333333333 1 --tile 0",
    "--style x.png b.png --content-mask a.png b.png --style-mask none c.png --style-weights 2 1",
    "--style ./-x.png --init-image - --weights w.h5 --preprocess caffe --offline",
    "--style x.png --output {{a}}.tif --bits 16 --save-every 5 --log {{log",
    "--style x.png --keep-mask k.png --max-pixels 9000 --bucket 16 --memory 800000000",
    "--style x.png --init noise --noise 1e-05 --seed 7 --save-every 2 --snapshots s",
]


@pytest.mark.parametrize("words", WRITTEN)
def test_a_request_is_written_as_the_words_and_the_values_that_give_it_again(words: str) -> None:
    asked = parse(["--content", "in/cat.jpg", *words.split()])
    assert isinstance(asked, Request)
    assert asked.words() == ["--content", "in/cat.jpg", *words.split()]
    assert parse(asked.words()) == asked
    assert Request.from_json(asked.to_json()) == asked


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("--size 0", "size"),
        ("--optimizer adam --beta1 2", "beta1"),
        ("--style-layers relu9_9", "style_layers"),
        ("--content-layers relu9_9", "content_layers"),
        ("--noise 0.5", "noise"),
        ("--style-scale 1 2", "style_scale"),
        ("--content-mask a b", "content_masks"),
        ("--sweep strength=1,x", "sweep"),
        ("--preset x", "preset"),
        ("--init file", "init"),
        ("--stpes 3", None),
    ],
)
def test_an_error_says_what_it_is_about(words, field):
    with pytest.raises(UsageError) as error:
        parse([*PICTURES, *words.split()])
    assert field_of(error.value) == field
