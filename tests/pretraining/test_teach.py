"""Teaching: the loss falls, interruptions change nothing, the end teaches small filters alone."""

import numpy as np
import pytest
import torch

from sklearn_shapecnn._pretraining.teach import Lesson, Teacher

pytestmark = pytest.mark.slow

SMALL = Lesson(n_categories=6, n_steps=5, n_kernel_steps=3, batch_size=8)


class InterruptedDrawer:
    """A drawer that draws some batches and then is interrupted."""

    def __init__(self, drawer, n_batches):
        self.drawer, self.n_left = drawer, n_batches

    def sample(self, *arguments):
        if self.n_left == 0:
            raise KeyboardInterrupt
        self.n_left -= 1
        return self.drawer.sample(*arguments)


def weights_of(teacher):
    return {name: values.clone() for name, values in teacher.bank.state_dict().items()}


def teach(folder, lesson=SMALL):
    teacher = Teacher(lesson, folder)
    teacher.resume()
    teacher.run(save_every=2)
    return teacher


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A teacher at the end of a run that nothing interrupted."""
    return teach(tmp_path_factory.mktemp("taught"))


def changed_weights(teacher, before):
    """Names of the weights that are not what they were."""
    after = weights_of(teacher)
    return {name for name, values in before.items() if not torch.equal(values, after[name])}


def assert_same(one, other):
    theirs = weights_of(other)
    for name, values in weights_of(one).items():
        assert torch.equal(values, theirs[name]), name
    assert one.losses == other.losses
    assert one.hits == other.hits
    assert one.step == other.step


def test_the_loss_falls(tmp_path, capsys):
    lesson = Lesson(n_categories=4, n_steps=30, n_kernel_steps=0, batch_size=24)
    teacher = Teacher(lesson, tmp_path)
    teacher.run(log_every=10)
    assert len(teacher.losses) == len(teacher.hits) == 30
    assert np.mean(teacher.losses[-10:]) < 0.9 * np.mean(teacher.losses[:5])
    assert "step 10 of 30" in capsys.readouterr().out


def test_the_same_lesson_gives_the_same_bits(taught, tmp_path):
    assert_same(teach(tmp_path), taught)


def test_another_seed_gives_another_bank(taught, tmp_path):
    other = Teacher(Lesson(n_categories=6, n_steps=1, n_kernel_steps=0, seed=1), tmp_path)
    assert not torch.equal(other.bank.filters["0_3"], Teacher(SMALL, tmp_path).bank.filters["0_3"])


# In the midst of steps before and after the first checkpoint, and among the last steps.
@pytest.mark.parametrize("n_batches", [1, 7, 11, 12])
def test_an_interrupted_run_goes_on_to_the_same_bits(taught, tmp_path, n_batches):
    first = Teacher(SMALL, tmp_path)
    first.drawer = InterruptedDrawer(first.drawer, n_batches)
    with pytest.raises(KeyboardInterrupt):
        first.run(save_every=2)
    second = Teacher(SMALL, tmp_path)
    second.resume()
    n_steps = n_batches // 2 if n_batches <= 10 else n_batches - 5
    assert second.step == n_steps // 2 * 2
    second.run(save_every=2)
    assert_same(second, taught)


def test_a_run_that_is_over_stays_as_it_is(taught):
    again = Teacher(SMALL, taught.folder)
    again.resume()
    again.run()
    assert_same(again, taught)


def test_resume_without_a_checkpoint_starts_at_the_beginning(tmp_path):
    teacher = Teacher(SMALL, tmp_path / "not yet there")
    before = weights_of(teacher)
    teacher.resume()
    assert teacher.step == 0
    assert not changed_weights(teacher, before)


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"n_steps": 6}, {"n_categories": 7}, {"batch_size": 9}, {"learning_rate": 0.02}],
    ids=str,
)
def test_a_checkpoint_of_another_lesson_is_refused(taught, change):
    content = taught.checkpoint.read_bytes()
    other = Teacher(Lesson(**{**vars(SMALL), **change}), taught.folder)
    with pytest.raises(ValueError, match="another lesson"):
        other.resume()
    assert other.step == 0
    assert taught.checkpoint.read_bytes() == content


def test_the_last_steps_teach_filters_of_other_sizes_alone(tmp_path):
    lesson = Lesson(n_categories=6, n_steps=2, n_kernel_steps=6, batch_size=8)
    teacher = Teacher(lesson, tmp_path)
    drawer = teacher.drawer
    teacher.drawer = InterruptedDrawer(drawer, 4)  # two steps of two batches
    with pytest.raises(KeyboardInterrupt):
        teacher.run()
    assert teacher.step == 2
    before = weights_of(teacher)
    teacher.drawer = drawer
    teacher.run()
    changed = changed_weights(teacher, before)
    small = {f"filters.{i}_{size}" for i in range(4) for size in (1, 2)}
    assert changed <= small
    assert len(changed) >= 4
    assert len(teacher.losses) == 8


def test_the_first_steps_teach_filters_of_3_x_3_alone(tmp_path):
    teacher = Teacher(Lesson(n_categories=6, n_steps=2, n_kernel_steps=0, batch_size=8), tmp_path)
    before = weights_of(teacher)
    teacher.run()
    changed = changed_weights(teacher, before)
    assert {f"filters.{i}_3" for i in range(4)} <= changed
    assert not {f"filters.{i}_{size}" for i in range(4) for size in (1, 2)} & changed
    assert "norms.0_weight" in changed and "heads.4_weight" in changed
