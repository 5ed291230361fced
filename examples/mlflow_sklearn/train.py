"""Logs to MLflow as everybody does; where to is not its business."""

import mlflow
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

mlflow.set_experiment("digits")

x, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x / 16, y, test_size=0.25, random_state=0, stratify=y)

with mlflow.start_run(run_name="logistic"):
    mlflow.log_param("split", 0.25)
    model = LogisticRegression(max_iter=300).fit(x_train, y_train)
    accuracy = model.score(x_test, y_test)
    mlflow.log_metric("accuracy", accuracy)
    mlflow.log_text("\n".join(map(str, model.predict(x_test))), "predictions.txt")
print(f"accuracy: {accuracy:.3f}")
