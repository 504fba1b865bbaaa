"""Package of KineCue for colcon (ament_python) and pip."""

from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = "kinecue"


def shared_files() -> list[tuple[str, list[str]]]:
    """What goes to share/kinecue: launch files, configuration with its folders, the list of models."""
    folders: dict[str, list[str]] = {}
    for top in ("launch", "config", "models"):
        for path in sorted(Path(top).rglob("*")):
            if path.is_file() and path.suffix not in (".pyc", ".onnx", ".tflite"):
                folders.setdefault(f"share/{PACKAGE}/{path.parent}", []).append(str(path))
    return sorted(folders.items())


setup(
    name=PACKAGE,
    version="0.1.0",
    packages=find_packages("src", include=[PACKAGE, f"{PACKAGE}.*"]),
    package_dir={"": "src"},
    package_data={PACKAGE: ["py.typed", "**/*.npz", "**/*.json", "**/*.yaml", "**/*.md", "**/*.txt"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        *shared_files(),
    ],
    python_requires=">=3.10",
    install_requires=["setuptools"],
    extras_require={"can": ["python-can>=4.4", "cantools>=40"]},
    zip_safe=False,
    maintainer="KineCue maintainers",
    maintainer_email="maintainers@kinecue.invalid",
    description="A coach for gym machines: from camera frames to spoken cues, on ROS 2.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "kinecue = kinecue.cli.main:main",
            "camera_node = kinecue.nodes.camera:main",
            "pose_node = kinecue.nodes.pose:main",
            "machine_node = kinecue.nodes.machine:main",
            "training_node = kinecue.nodes.training:main",
            "loads_node = kinecue.nodes.loads:main",
            "scoring_node = kinecue.nodes.scoring:main",
            "orchestrator_node = kinecue.nodes.orchestrator:main",
            "speech_node = kinecue.nodes.speech:main",
            "fusion_node = kinecue.nodes.fusion:main",
            "visualization_node = kinecue.nodes.visualization:main",
            "graph_node = kinecue.nodes.composed:main",
        ],
    },
)
