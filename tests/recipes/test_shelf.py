"""Finding recipes by name."""

import pytest

from sirtui.core.errors import NotFound, UsageError
from sirtui.core.samples import Problem
from sirtui.recipes.locate import locate
from sirtui.recipes.shelf import find, names, problems_of


def test_shelves_are_listed_by_module_name():
    """Private modules are no recipes; a dash stands for an underscore."""
    assert names("trainers") == ("dpo", "frozen", "sft")
    assert {"nano", "nano-algebra"} <= set(names("tasks"))
    assert not [name for name in names("measures") if name.startswith(("_", "-"))]


@pytest.mark.parametrize("shelf", ["tasks", "trainers", "samplers", "measures"])
def test_every_recipe_is_called_as_its_file(shelf):
    """The contract of each shelf: the object is there, and its name is the name it is found by."""
    for name in names(shelf):
        assert find(shelf, name).name == name


@pytest.mark.parametrize("name", names("tasks"))
def test_every_task_can_be_trained_on(name):
    """Problems, prompts, a judge that passes the references, levels that the problems bear, OOD tasks that exist."""
    task = find("tasks", name)
    problems = task.problems("test", None)
    assert problems
    assert all(task.prompt(problem) for problem in problems)
    assert all(mark.correct for mark in task.judge((problem, problem.reference) for problem in problems))
    assert not task.levels or {problem.level for problem in problems} <= set(task.levels)
    assert all(find("tasks", other) for other in task.ood)


def test_an_unknown_name_is_told_with_what_there_is():
    """And with a guess where one is near."""
    with pytest.raises(NotFound) as caught:
        find("tasks", "nanno")
    assert str(caught.value) == "no task is called 'nanno'\n  Did you mean nano? There are: nano, nano-algebra."


def test_a_recipe_of_ones_own_is_found_by_path(tmp_path):
    """By the shelf's own name for it, or by another; what is missing, broken or no recipe is told."""
    recipe = "class Mine:\n    name = 'mine'\n    def of(self, now, first, tools): ...\nMEASURE = OTHER = Mine()\nNUMBER = 3\n"
    (tmp_path / "mine.py").write_text(recipe)
    (tmp_path / "broken.py").write_text("def of(:")
    assert find("measures", f"{tmp_path}/mine.py").name == "mine"
    assert find("measures", f"{tmp_path}/mine.py:OTHER") is find("measures", f"{tmp_path}/mine.py")
    for name, told in (
        ("mine.py:TRAINER", "holds no TRAINER"),
        ("mine.py:NUMBER", "NUMBER has no name, of"),
        ("yours.py", "no such recipe file"),
        ("broken.py", "SyntaxError"),
    ):
        with pytest.raises(NotFound, match=told):
            find("measures", f"{tmp_path}/{name}")


def test_problems_hang_on_their_ids():
    """An id that is not the task's, or is used twice, is refused before anything is stored under it."""

    class Task:
        name = "mine"

        def problems(self, split, data):
            return [Problem(data, "?", "1"), Problem("mine/1", "?", "1")]

    assert len(problems_of(Task(), "test", "mine/0")) == 2
    with pytest.raises(UsageError, match="has the id 'train0'"):
        problems_of(Task(), "test", "train0")
    with pytest.raises(UsageError, match="several problems one id"):
        problems_of(Task(), "test", "mine/1")


def test_a_folder_inside_a_package_is_located():
    """Shipped models are found wherever the package is; other names are left to the hub."""
    assert locate("package:sirtui/recipes/nano/model").endswith("sirtui/recipes/nano/model")
    assert locate("org/model") == "org/model"
    for wrong in ("package:sirtui/nowhere", "package:no_such_package/model"):
        with pytest.raises(NotFound):
            locate(wrong)
